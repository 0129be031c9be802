'use strict';

// Everything that is shown comes from scripts and requests, so it is text, never markup.
const SHOWN = 500; // requests in the page; the sandbox has the others
const MANY = 100; // of so many events at once some may be missing

const byId = (id) => document.getElementById(id);
const state = { token: '', key: '', version: 0, script: 0, changes: 0, rows: new Map(), opened: new Set() };

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function fill(id, children, empty) {
  byId(id).replaceChildren(...(children.length > 0 ? children : [element('p', empty, 'soft')]));
}

async function call(method, path, body, credential) {
  const headers = { Authorization: credential || `Bearer ${state.token}`, Accept: 'application/json' };
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  const answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  const text = await answer.text();
  let value = {};
  try {
    value = JSON.parse(text);
  } catch (problem) {
    value = { message: text };
  }
  return { ok: answer.ok, status: answer.status, text, value };
}

const admin = (method, path, body) => call(method, `/_sandbox/${path}`, body);

async function showStatus() {
  const { ok, status, value } = await admin('GET', 'status');
  if (!ok) return status;
  state.key = value.key;
  byId('request-count').textContent = value.requests > SHOWN ? `(the last ${SHOWN} of ${value.requests})` : `(${value.requests})`;
  const jail = value.isolated ? '' : ' · scripts are bounded, not isolated: this system allows no namespaces';
  const latency = value.latency > 0 ? ` · latency ${value.latency} s` : '';
  byId('state').textContent = `${value.url} · clock ${value.now.slice(0, 19).replace('T', ' ')}${latency}${jail}`;
  return status;
}

/* The live version is the deployed one that was deployed last. */
function liveOf(versions) {
  const deployed = versions.filter((version) => version.status === 'Deployed');
  deployed.sort((a, b) => (a.deployed_at < b.deployed_at ? 1 : -1));
  return deployed.length > 0 ? deployed[0].id : 0;
}

function versionRow(version, live) {
  const row = element('button', `v${version.version} · ${version.id} · `, 'row');
  row.type = 'button';
  row.dataset.version = version.id;
  row.setAttribute('aria-current', String(version.id === state.version));
  const failed = version.deployment_failed_at && !version.deploying;
  const said = version.deploying || (failed ? `${version.status}, failed` : version.status);
  row.append(element('span', version.id === live ? `${said}, live` : said, version.id === live ? 'live' : failed ? 'bad' : 'soft'));
  row.addEventListener('click', () => choose(version.id));
  return row;
}

/* The end of a deployment is no request that would be told of. */
function lookAgain() {
  clearTimeout(state.timer);
  state.timer = setTimeout(() => Promise.all([showScripts(), showVersion()]), 300);
}

async function scriptEntry(script) {
  const entry = element('details');
  entry.open = !state.opened.has(script.id);
  entry.addEventListener('toggle', () => (entry.open ? state.opened.delete(script.id) : state.opened.add(script.id)));
  entry.append(element('summary', `${script.name} (${script.language}, ${script.id}): ${script.versions} versions`));
  const { value } = await admin('GET', `versions?script=${script.id}`);
  const versions = value.data || [];
  const live = liveOf(versions);
  if (versions.some((version) => version.deploying)) lookAgain();
  for (const version of versions) entry.append(versionRow(version, live));
  return entry;
}

async function showScripts() {
  const { value } = await admin('GET', 'scripts');
  const focused = document.activeElement && document.activeElement.dataset.version;
  fill('script-list', await Promise.all((value.data || []).map(scriptEntry)), 'No scripts.');
  const again = focused && document.querySelector(`[data-version="${focused}"]`);
  if (again) again.focus();
}

function invocationEntry(invocation) {
  const entry = element('details');
  const good = invocation.error === null;
  entry.append(element('summary', `${invocation.created_at.slice(11, 19)} · ${good ? 'answered' : 'failed'} in ${invocation.seconds.toFixed(3)} s`, good ? '' : 'bad'));
  const parts = [['payload', invocation.payload], [good ? 'answer' : 'error', invocation.answer || invocation.error], ['output', invocation.output]];
  for (const [name, text] of parts) {
    if (text) entry.append(element('p', name, 'soft'), element('pre', text));
  }
  return entry;
}

async function showVersion() {
  if (!state.version) return;
  const id = state.version;
  const [version, invocations, deployments] = await Promise.all([
    admin('GET', `versions/${id}`), admin('GET', `invocations?version=${id}`), admin('GET', `deployments?version=${id}`),
  ]);
  if (id !== state.version) return;
  byId('version-body').hidden = !version.ok;
  if (!version.ok) {
    byId('version-state').textContent = version.value.message;
    return;
  }
  const { data, logs } = version.value;
  byId('version-title').textContent = `${data.script.name}, version ${data.version} (${data.id})`;
  const reason = data.deployment_failure_reason;
  byId('version-state').textContent = (data.deploying || data.status) + (reason ? `: ${reason}` : '');
  byId('version-state').className = reason ? 'bad' : '';
  byId('source').textContent = data.content.content;
  fill('invocations', invocations.value.data.reverse().map(invocationEntry), 'None yet.');
  fill('deployments', deployments.value.data.reverse().map((one) => element('p', `${one.ended_at.slice(0, 19).replace('T', ' ')} · ${one.failure_reason || 'deployed'}`, one.failure_reason ? 'bad' : '')), 'None yet.');
  fill('logs', logs.map((one) => element('pre', `${one.created_at.slice(11, 19)} ${one.level}: ${one.message}`)), 'None yet.');
}

function choose(id) {
  state.version = id;
  for (const row of document.querySelectorAll('[data-version]')) row.setAttribute('aria-current', String(Number(row.dataset.version) === id));
  return showVersion();
}

function requestEntry(request) {
  const entry = element('details');
  const status = request.status || 'no answer';
  const time = request.seconds === undefined ? '' : ` · ${(request.seconds * 1000).toFixed(1)} ms`;
  const query = request.query ? `?${request.query}` : '';
  const summary = element('summary', `${request.number} · ${request.method} ${request.path}${query} · `);
  summary.append(element('span', String(status), request.status >= 400 || !request.status ? 'bad' : ''), time);
  entry.append(summary);
  entry.addEventListener('toggle', () => {
    if (!entry.open || entry.childElementCount > 1) return;
    const headers = Object.entries(request.headers).map(([name, value]) => `${name}: ${value}`).join('\n');
    entry.append(element('pre', headers));
    if (request.body) entry.append(element('p', 'sent', 'soft'), element('pre', request.body));
    if (request.answer) entry.append(element('p', 'answered', 'soft'), element('pre', request.answer));
  });
  return entry;
}

/* The newest on top; one that is answered takes the place of what was shown of it before. */
function addRequests(requests) {
  const list = byId('request-list');
  for (const request of requests) {
    const entry = requestEntry(request);
    const before = state.rows.get(request.number);
    if (before) {
      entry.open = before.open;
      before.replaceWith(entry);
    } else {
      list.prepend(entry);
    }
    state.rows.set(request.number, entry);
  }
  while (state.rows.size > SHOWN) {
    const oldest = Math.min(...state.rows.keys());
    state.rows.get(oldest).remove();
    state.rows.delete(oldest);
  }
}

async function showRequests() {
  const { value } = await admin('GET', `requests?limit=${SHOWN}`);
  byId('request-list').replaceChildren();
  state.rows.clear();
  state.changes = value.changes;
  addRequests(value.data);
}

async function showFaults() {
  const { value } = await admin('GET', 'faults');
  fill('faults', value.data.map((fault) => element('p', `${fault.operation}: ${fault.how}${fault.how === 'status' ? ` ${fault.status}` : ''}, ${fault.times === 'always' ? 'always' : `${fault.times} more`}`)), 'No faults.');
}

const showAll = () => Promise.all([showStatus(), showScripts(), showVersion(), showFaults(), showRequests()]);

/* Server-sent events, read by fetch: an EventSource can't send the token but in an address. */
async function follow() {
  for (;;) {
    try {
      const headers = { Authorization: `Bearer ${state.token}`, 'Last-Event-ID': String(state.changes) };
      const answer = await fetch('/_sandbox/events', { headers });
      if (!answer.ok) throw new Error(String(answer.status));
      const text = await answer.text();
      const [, id] = /^id: (\d+)$/m.exec(text);
      const requests = JSON.parse(/^data: (.*)$/m.exec(text)[1]);
      const known = Number(id) >= state.changes && requests.length < MANY;
      state.changes = Number(id);
      if (known) {
        addRequests(requests);
      } else {
        await showRequests();
      }
      await Promise.all([showScripts(), showVersion(), showFaults(), showStatus()]);
    } catch (problem) {
      byId('state').textContent = `The sandbox doesn't answer (${problem.message}); trying again.`;
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}

function onSubmit(id, action) {
  byId(id).addEventListener('submit', async (event) => {
    event.preventDefault();
    await action();
  });
}

function fillChoices(id, names) {
  byId(id).append(...names.map((name) => element('option', name)));
}

function prepare() {
  fillChoices('fault-operation', ['*', 'get', 'list', 'create', 'deploy', 'invoke', 'logs', 'delete', 'upload', 'login']);
  fillChoices('fault-how', ['status', 'drop_before', 'drop_after', 'truncate', 'garbage', 'slow']);
  onSubmit('fault', async () => {
    await admin('POST', 'faults', {
      operation: byId('fault-operation').value, how: byId('fault-how').value,
      status: Number(byId('fault-status').value), times: Number(byId('fault-times').value),
    });
    await showFaults();
  });
  byId('clear-faults').addEventListener('click', async () => {
    await admin('DELETE', 'faults');
    await showFaults();
  });
  onSubmit('clock', async () => {
    await admin('POST', 'clock', { advance: Number(byId('advance').value) });
    await Promise.all([showStatus(), showScripts(), showVersion()]);
  });
  onSubmit('latency', async () => {
    await admin('PUT', 'latency', { seconds: Number(byId('latency-seconds').value) });
    await showStatus();
  });
  byId('reset').addEventListener('click', async () => {
    await admin('POST', 'reset');
    await showAll();
  });
  onSubmit('invoke', async () => {
    const result = byId('invoke-result');
    result.textContent = 'running';
    const { ok, text } = await call('POST', `/api/v1/script-versions/${state.version}/invoke`, { payload: byId('payload').value }, state.key);
    result.replaceChildren(element('pre', text, ok ? '' : 'bad'));
    await showVersion();
  });
  byId('deploy').addEventListener('click', async () => {
    await call('POST', `/api/v1/script-versions/${state.version}/deploy`, undefined, state.key);
  });
  onSubmit('door', () => open(byId('token').value.trim()));
}

async function open(token) {
  state.token = token;
  const status = token ? await showStatus() : 401;
  byId('door').hidden = status === 200;
  byId('desk').hidden = status !== 200;
  if (status !== 200) {
    byId('state').textContent = token ? 'That is not the token.' : 'Locked.';
    return;
  }
  sessionStorage.setItem('token', token);
  await showAll();
  document.body.dataset.ready = 'yes';
  follow();
}

prepare();
const given = location.hash.slice(1);
if (/^[0-9a-f]{40}$/.test(given)) history.replaceState(null, '', location.pathname);
open(/^[0-9a-f]{40}$/.test(given) ? given : sessionStorage.getItem('token') || '');
