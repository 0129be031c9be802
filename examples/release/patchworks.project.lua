-- Two scripts, what they must answer, and where they are released. In this folder:
--
--     patchworks test                             runs their cases, with no account
--     patchworks plan                             says what a release would change in production
--     patchworks apply                            releases it, and runs the smoke case of each script
--
-- With `--env sandbox` all of that happens on this machine. The ids are examples; yours are in the dashboard.
return {
  scripts = {
    orders = { file = "scripts/orders.py", cases = "cases/orders", smoke = { "gb" }, keep = 10 },
    stock = { file = "scripts/stock.js", cases = "cases/stock", smoke = { "two" }, keep = 10 },
  },
  environments = {
    -- No base_url: the vendor's. PATCHWORKS_API_KEY, or `patchworks login --env production`.
    production = { scripts = { orders = 42, stock = 43 } },
    -- What `patchworks sandbox --port 8787` serves, or your own.
    staging = { base_url = "http://127.0.0.1:8787", scripts = { orders = 1, stock = 2 } },
  },
  environment = "production",
}
