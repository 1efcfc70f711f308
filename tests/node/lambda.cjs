// Calls operations of Lambda with the SDK for JavaScript v3: one line of JSON comes in, one goes out.

const sdk = require('@aws-sdk/client-lambda')
const readline = require('node:readline')

const [endpoint, account] = process.argv.slice(2)
const client = new sdk.LambdaClient({
  endpoint,
  region: 'us-east-1',
  maxAttempts: 1,
  credentials: { accessKeyId: account, secretAccessKey: 'secret' }
})

async function call ({ operation, parameters }) {
  try {
    const { $metadata, ...answer } = await client.send(new sdk[`${operation}Command`](parameters))
    if (answer.Payload) answer.Payload = Buffer.from(answer.Payload).toString()
    return { answer }
  } catch (error) {
    return { code: error.name, message: error.message, reason: error.Reason }
  }
}

async function main () {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await call(JSON.parse(line))))
  }
}

main()
