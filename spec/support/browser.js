// Looks at pages with a headless Chromium, over its debugging pipe: node browser.js CHROMIUM, then an address and
// its checks, as often as wanted. Says of each check "NAME: holds", or what it saw instead.
const { spawn } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');

const [chromium, ...wanted] = process.argv.slice(2);
let address;
const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'patchworks-page-'));
// All of it in one process: in several it takes twice as long.
const browser = spawn(chromium, [
  '--headless=new', '--single-process', '--no-zygote', '--no-sandbox', '--disable-gpu', '--disable-software-rasterizer',
  '--disable-breakpad', '--disable-dev-shm-usage', '--no-first-run',
  '--disable-background-networking', '--disable-extensions', '--disable-component-update', '--disable-default-apps', '--disable-sync',
  '--allow-file-access-from-files', `--user-data-dir=${profile}`, '--remote-debugging-pipe', 'about:blank',
], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });

let next = 0;
const waiting = new Map();
const requested = [];
let rest = '';
browser.stdio[4].on('data', (piece) => {
  rest += piece;
  for (let end = rest.indexOf('\0'); end >= 0; end = rest.indexOf('\0')) {
    const message = JSON.parse(rest.slice(0, end));
    rest = rest.slice(end + 1);
    if (message.method === 'Network.requestWillBeSent') requested.push(message.params.request.url);
    if (message.id) waiting.get(message.id)(message);
  }
});

function send(method, params, sessionId) {
  next += 1;
  const id = next;
  browser.stdio[3].write(`${JSON.stringify({ id, method, params: params || {}, sessionId })}\0`);
  return new Promise((resolve, reject) => {
    waiting.set(id, (message) => (message.error ? reject(new Error(message.error.message)) : resolve(message.result)));
  });
}

let session;
async function evaluate(expression) {
  const { result, exceptionDetails } = await send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true }, session);
  if (exceptionDetails) throw new Error(exceptionDetails.exception.description || exceptionDetails.text);
  return result.value;
}

async function until(expression, what) {
  for (const end = Date.now() + 20000; Date.now() < end; ) {
    if (await evaluate(`Boolean(${expression})`)) return;
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  throw new Error(`${what} never came; the page says: ${await evaluate('document.body.innerText')}`);
}

function hold(condition, what) {
  if (!condition) throw new Error(what);
}

async function open(width = 1200) {
  if (session) {
    // A new document in the same tab: an address with another fragment alone would be the page that is there.
    await send('Page.navigate', { url: 'about:blank' }, session);
    await send('Emulation.setEmulatedMedia', { features: [] }, session);
  } else {
    const { targetId } = await send('Target.createTarget', { url: 'about:blank' });
    ({ sessionId: session } = await send('Target.attachToTarget', { targetId, flatten: true }));
    for (const domain of ['Page', 'Runtime', 'Network']) await send(`${domain}.enable`, {}, session);
  }
  await send('Emulation.setDeviceMetricsOverride', { width, height: 800, deviceScaleFactor: 1, mobile: false }, session);
  await send('Page.navigate', { url: address }, session);
  await until("document.body && document.body.dataset.ready === 'yes'", 'the page');
}

const text = (id) => evaluate(`document.getElementById('${id}').innerText`);

async function press(key, code, keyCode) {
  for (const type of ['keyDown', 'keyUp']) {
    await send('Input.dispatchKeyEvent', { type, key, code, windowsVirtualKeyCode: keyCode, text: type === 'keyDown' && key === 'Enter' ? '\r' : undefined }, session);
  }
}

const checks = {
  async shows() {
    await open();
    hold(/Orders \(python, 42\)/.test(await text('script-list')), 'the script');
    hold(/v1 · 7 · Deployed, live/.test(await text('script-list')), 'the live version');
    await evaluate("document.querySelector('[data-version=\"7\"]').click()");
    await until("document.getElementById('source').textContent.includes('</script>')", 'the source');
    hold(await evaluate('window.broken === undefined'), 'the source was run as markup');
    hold(/one/.test(await text('logs')), 'the logs');
    hold(await evaluate("location.hash === ''"), 'the token stayed in the address');
  },
  async invokes() {
    await open();
    await evaluate("document.querySelector('[data-version=\"7\"]').click()");
    await until("!document.getElementById('version-body').hidden", 'the version');
    await evaluate("document.getElementById('payload').value = 'from the page'; document.getElementById('invoke').requestSubmit()");
    await until("document.getElementById('invoke-result').innerText.includes('from the page')", 'the answer');
    await until("document.getElementById('invocations').innerText.includes('answered in')", 'the invocation');
    await until("document.getElementById('request-list').innerText.includes('/invoke')", 'the request, live');
  },
  async conditions() {
    await open();
    await evaluate("document.getElementById('fault-how').value = 'status'; document.getElementById('fault').requestSubmit()");
    await until("document.getElementById('faults').innerText.includes('status 500, 1 more')", 'the fault');
    const before = await text('state');
    await evaluate("document.getElementById('advance').value = 86400; document.getElementById('clock').requestSubmit()");
    await until(`document.getElementById('state').innerText.slice(0, 50) !== ${JSON.stringify(before.slice(0, 50))}`, 'the clock');
  },
  async keyboard() {
    await open();
    for (let i = 0; i < 40; i += 1) {
      await press('Tab', 'Tab', 9);
      if (await evaluate("document.activeElement.dataset.version === '7'")) break;
    }
    hold(await evaluate("document.activeElement.dataset.version === '7'"), 'a version can be reached by Tab');
    hold(await evaluate("getComputedStyle(document.activeElement).outlineStyle !== 'none'"), 'what has the focus is seen');
    await press('Enter', 'Enter', 13);
    await until("document.getElementById('version-title').innerText.includes('(7)')", 'the version');
    hold((await evaluate("[...document.querySelectorAll('input, select, textarea')].filter((one) => one.offsetParent && !one.closest('label')).length")) === 0, 'each field has its label');
  },
  async narrow() {
    await open(360);
    await evaluate("document.querySelector('[data-version=\"7\"]').click()");
    await until("!document.getElementById('version-body').hidden", 'the version');
    const width = await evaluate('document.documentElement.scrollWidth');
    hold(width <= 360, `the page is ${width} wide in a window of 360`);
  },
  async colours() {
    if (!session) await open();
    const seen = [];
    for (const value of ['light', 'dark']) {
      await send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value }] }, session);
      seen.push(await evaluate("getComputedStyle(document.body).backgroundColor + getComputedStyle(document.body).color"));
    }
    hold(seen[0] !== seen[1], `dark and light look the same: ${seen}`);
  },
  async many() {
    await open();
    hold(/the last 500 of 2000/.test(await text('requests-title')), await text('requests-title'));
    hold((await evaluate("document.getElementById('request-list').childElementCount")) === 500, '500 are shown');
    const took = await evaluate('(async () => { const t = performance.now(); await showAll(); return performance.now() - t; })()');
    hold(took < 5000, `it took ${took} ms`);
  },
  // Each of the pages in frames, none of which needs to be scrolled sideways.
  async frames() {
    await open();
    const seen = await evaluate("[...document.querySelectorAll('iframe')].map((one) => [one.id, one.contentDocument.title, one.contentDocument.documentElement.scrollWidth])");
    hold(seen.length > 5, `${seen.length} pages`);
    for (const [name, title, width] of seen) hold(title && width > 0 && width <= 360, `${name} (${title}) is ${width} wide`);
  },
  async stays() {
    if (!session) await open();
    await new Promise((resolve) => setTimeout(resolve, 300));
    const origin = new URL(address).origin;
    const others = requested.filter((url) => !url.startsWith(`${origin}/`) && !url.startsWith('data:') && url !== 'about:blank');
    hold(requested.length > 3 && others.length === 0, `requests left the machine: ${others}`);
    const refused = await evaluate("fetch('http://example.invalid/').then(() => 'sent', (problem) => String(problem))");
    hold(/TypeError/.test(refused), refused);
    const inline = "const made = document.createElement('script'); made.textContent = 'window.ran = 1'; document.body.append(made);";
    hold(await evaluate(`(() => { ${inline} return window.ran === undefined; })()`), 'the policy lets text run');
  },
};

async function all() {
  for (const name of wanted) {
    if (name.includes('://')) {
      address = name;
      continue;
    }
    const said = await checks[name]().then(() => 'holds', (problem) => problem.message);
    console.log(`${name}: ${said.replace(/\n/g, ' ')}`);
  }
  await send('Browser.close').catch(() => {});
}

browser.on('exit', () => {
  fs.rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  process.exit(0);
});
setTimeout(() => browser.kill('SIGKILL'), 100000).unref();
all();
