# Turns an order as the shop writes it into the lines that the warehouse reads: one a SKU, money in cents.
require 'json'

# Half a cent goes up; text, because 1.245 * 100 is 124.49999999999999.
def cents(price)
  whole, fraction = price.to_s.split('.')
  digits = "#{fraction}000"[0, 3]
  whole.to_i * 100 + (digits.to_i + 5) / 10
end

def handle(data)
  order = JSON.parse(data['payload'])
  lines = order['lines'].map do |line|
    unit = cents(line['price'])
    { sku: line['sku'].upcase, quantity: line['quantity'], unit: unit, total: unit * line['quantity'] }
  end
  total = lines.sum { |line| line[:total] }
  result = {
    order: order['number'].to_s,
    region: data['variables'].fetch('region', 'none'),
    country: order['customer']['country'].upcase,
    currency: order['currency'].upcase,
    lines: lines,
    total: total
  }
  {
    'payload' => JSON.generate(result),
    'logs' => ["order #{result[:order]}: #{lines.size} lines, #{total} cents"]
  }
end
