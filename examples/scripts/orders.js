// Turns an order as the shop writes it into the lines that the warehouse reads: one a SKU, money in cents.

// Half a cent goes up; text, because 1.245 * 100 is 124.49999999999999.
function cents(price) {
  const [whole, fraction = ''] = String(price).split('.');
  const digits = (fraction + '000').slice(0, 3);
  return Number(whole) * 100 + Math.floor((Number(digits) + 5) / 10);
}

module.exports = async function (data) {
  const order = JSON.parse(data.payload);
  const lines = order.lines.map(({ sku, quantity, price }) => {
    const unit = cents(price);
    return { sku: sku.toUpperCase(), quantity, unit, total: unit * quantity };
  });
  const total = lines.reduce((sum, line) => sum + line.total, 0);
  const result = {
    order: String(order.number),
    region: data.variables.region || 'none',
    country: order.customer.country.toUpperCase(),
    currency: order.currency.toUpperCase(),
    lines,
    total,
  };
  return {
    payload: JSON.stringify(result),
    logs: [`order ${result.order}: ${lines.length} lines, ${total} cents`],
  };
};
