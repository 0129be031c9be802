# Turns an order as the shop writes it into the lines that the warehouse reads: one a SKU, money in cents.
import json
from decimal import ROUND_HALF_UP, Decimal


def cents(price):
    return int((Decimal(str(price)) * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def handle(data):
    order = json.loads(data["payload"])
    lines = []
    for line in order["lines"]:
        unit = cents(line["price"])
        lines.append(
            {"sku": line["sku"].upper(), "quantity": line["quantity"], "unit": unit, "total": unit * line["quantity"]}
        )
    total = sum(line["total"] for line in lines)
    result = {
        "order": str(order["number"]),
        "region": data["variables"].get("region", "none"),
        "country": order["customer"]["country"].upper(),
        "currency": order["currency"].upper(),
        "lines": lines,
        "total": total,
    }
    return {
        "payload": json.dumps(result, separators=(",", ":")),
        "logs": ["order %s: %d lines, %d cents" % (result["order"], len(lines), total)],
    }
