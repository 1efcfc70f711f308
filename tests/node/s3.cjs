// Uploads, lists and reads objects as programs do that use the AWS SDKs for JavaScript: version 3 with its upload manager,
// and version 2. Arguments: endpoint, access key, bucket, bytes of the large object. Prints one JSON document.

const { createHash } = require("node:crypto");
const { Readable } = require("node:stream");
const { S3 } = require("@aws-sdk/client-s3");
const { Upload } = require("@aws-sdk/lib-storage");

process.env.AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE = "1";
const { S3: OldS3 } = require("aws-sdk");

const sum = (bytes) => createHash("sha256").update(bytes).digest("hex");

async function main([endpoint, accessKeyId, bucket, size]) {
  const credentials = { accessKeyId, secretAccessKey: "secret" };
  const s3 = new S3({ endpoint, region: "us-east-1", credentials, forcePathStyle: true });
  const large = Buffer.alloc(Number(size), "0123456789abcdef");
  const pieces = Array.from({ length: Math.ceil(large.length / 65536) }, (_, n) => large.subarray(n * 65536, (n + 1) * 65536));
  const params = { Bucket: bucket, Key: "new/large", Body: Readable.from(pieces) };
  await new Upload({ client: s3, params, partSize: 5 * 1024 * 1024, queueSize: 4 }).done();
  await s3.putObject({ Bucket: bucket, Key: "new/ä +.txt", Body: "hello", Metadata: { colour: "blue" } });
  const read = await s3.getObject({ Bucket: bucket, Key: "new/large" });
  const small = await s3.getObject({ Bucket: bucket, Key: "new/ä +.txt" });

  const old = new OldS3({ endpoint, region: "us-east-1", credentials, s3ForcePathStyle: true, maxRetries: 0 });
  await old.upload({ Bucket: bucket, Key: "old/large", Body: large }, { partSize: 5 * 1024 * 1024 }).promise();
  const oldRead = await old.getObject({ Bucket: bucket, Key: "old/large" }).promise();
  const listed = await old.listObjectsV2({ Bucket: bucket, Prefix: "", Delimiter: "/" }).promise();
  const refusal = await old.getObject({ Bucket: bucket, Key: "none" }).promise().catch((error) => error.code);

  console.log(
    JSON.stringify({
      expected: sum(large),
      large: sum(await read.Body.transformToByteArray()),
      small: [await small.Body.transformToString(), small.Metadata],
      oldLarge: sum(oldRead.Body),
      prefixes: listed.CommonPrefixes.map((prefix) => prefix.Prefix),
      refusal,
    }),
  );
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exit(1);
});
