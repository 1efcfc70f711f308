// Validates a message of SNS with the npm package sns-validator. Arguments: the hosts' pattern, the message. Prints
// `valid`, or why it is not.

const MessageValidator = require("sns-validator");

const [hosts, message] = process.argv.slice(2);
new MessageValidator(new RegExp(hosts)).validate(JSON.parse(message), (error) => {
  console.log(error ? error.message : "valid");
});
