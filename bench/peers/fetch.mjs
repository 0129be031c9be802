// Node's fetch, which keeps connections alive by itself: URL KEY COUNT
const [url, key, count] = process.argv.slice(2);
const headers = { Authorization: key, Accept: 'application/json', 'Content-Type': 'application/json' };
for (let i = 0; i < 100; i++) await (await fetch(url, { headers })).json();
const began = performance.now();
for (let i = 0; i < Number(count); i++) {
  (await (await fetch(url, { headers })).json()).data;
}
console.log((performance.now() - began) / 1000);
