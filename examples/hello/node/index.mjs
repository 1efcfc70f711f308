// Greets, and tells a little of where it runs.
export const handler = async (event, context) => {
  console.log('greeting', event.name);
  return {
    greeting: `Hello, ${event.name}!`,
    function: context.functionName,
    runtime: `Node.js ${process.versions.node}`,
    remainingMilliseconds: context.getRemainingTimeInMillis(),
  };
};
