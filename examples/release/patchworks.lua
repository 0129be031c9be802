-- A manifest with three scripts: `patchworks plan`, then `patchworks apply`, in this folder.
-- The ids are those of the sandbox's scripts; yours are in the dashboard.
local order = [[{"number":1,"customer":{"country":"gb"},"currency":"eur",]]
  .. [["lines":[{"sku":"a","quantity":2,"price":"1.50"}]}]]
local expected = [[{"order":"1","region":"none","country":"GB","currency":"EUR",]]
  .. [["lines":[{"sku":"A","quantity":2,"unit":150,"total":300}],"total":300}]]

local test = { payload = order, expect = expected }

return {
  scripts = {
    { id = 1, name = "orders (Python)", file = "../scripts/orders.py", test = test },
    { id = 2, name = "orders (JavaScript)", file = "../scripts/orders.js", test = test },
    { id = 3, name = "orders (PHP)", file = "../scripts/orders.php", keep = 10 },
  },
}
