// A test of any program against the sandbox, in JavaScript: its state, its faults and its clock over HTTP.
//
// Usage: SANDBOX_URL=http://127.0.0.1:8787 SANDBOX_TOKEN=.. node admin.js
const { SANDBOX_URL: url, SANDBOX_TOKEN: token } = process.env;

async function call(method, path, body, credential = `Bearer ${token}`) {
  const headers = { Authorization: credential, Accept: 'application/json', 'Content-Type': 'application/json' };
  const answer = await fetch(url + path, { method, headers, body: body && JSON.stringify(body) });
  return { status: answer.status, ...(await answer.json()) };
}

const admin = (method, path, body) => call(method, `/_sandbox/${path}`, body);

(async () => {
  const { key } = await admin('GET', 'status');
  const content = 'module.exports = async (data) => data';
  await admin('POST', 'reset');
  await admin('POST', 'seed', {
    scripts: [{ id: 42, name: 'Orders', language: 'javascript', versions: [{ id: 7, content }] }],
  });
  await admin('PUT', 'snapshots/before');

  await admin('POST', 'faults', { operation: 'get', how: 'status', status: 503 });
  console.log('the fault came:', (await call('GET', '/api/v1/script-versions/7', undefined, key)).status);
  console.log('and then:', (await call('GET', '/api/v1/script-versions/7', undefined, key)).data.name);

  await call('POST', '/api/v1/script-versions/7/deploy', undefined, key);
  await admin('POST', 'clock', { advance: 60 });
  console.log('requests for get:', (await admin('GET', 'requests/wait?operation=get&count=2')).count);
  await admin('POST', 'snapshots/before/restore');
  console.log('status:', (await call('GET', '/api/v1/script-versions/7', undefined, key)).data.status);
})();
