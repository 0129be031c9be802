<?php
// Turns an order as the shop writes it into the lines that the warehouse reads: one a SKU, money in cents.

// Half a cent goes up; text, because 1.245 * 100 is 124.49999999999999.
function cents($price)
{
    [$whole, $fraction] = explode('.', $price . '.') + [1 => ''];
    $digits = substr($fraction . '000', 0, 3);
    return (int) $whole * 100 + intdiv((int) $digits + 5, 10);
}

function handle($data)
{
    $order = json_decode($data['payload'], true);
    $lines = [];
    $total = 0;
    foreach ($order['lines'] as $line) {
        $unit = cents($line['price']);
        $sum = $unit * $line['quantity'];
        $lines[] = ['sku' => strtoupper($line['sku']), 'quantity' => $line['quantity'], 'unit' => $unit, 'total' => $sum];
        $total += $sum;
    }
    $result = [
        'order' => (string) $order['number'],
        'region' => $data['variables']['region'] ?? 'none',
        'country' => strtoupper($order['customer']['country']),
        'currency' => strtoupper($order['currency']),
        'lines' => $lines,
        'total' => $total,
    ];
    return [
        'payload' => json_encode($result),
        'logs' => [sprintf('order %s: %d lines, %d cents', $result['order'], count($lines), $total)],
    ];
}
