const fs = require('fs');
const finish = (...parts) => fs.writeFileSync('result', parts.join('\0'));
const fail = (problem) => {
  const stack = String(problem && problem.stack || '');
  console.error(stack || problem);
  const line = /script\.js:(\d+)/.exec(stack);
  finish('raised', line ? line[1] : '0', String(problem));
  process.exit(1);
};
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);
(async () => {
  const exported = require('./script.js');
  const handle = typeof exported === 'function' ? exported : exported.handle || exported.default;
  if (typeof handle !== 'function') throw new TypeError('the script sets no function as module.exports');
  const answer = await handle(JSON.parse(fs.readFileSync(0, 'utf8')));
  const logs = answer && Array.isArray(answer.logs) ? answer.logs.filter((entry) => entry != null) : [];
  const lines = logs.map((entry) => (typeof entry === 'string' ? entry : String(JSON.stringify(entry))));
  finish('answer', JSON.stringify(answer === undefined ? null : answer), ...lines);
  process.exit(0);
})().catch(fail);
