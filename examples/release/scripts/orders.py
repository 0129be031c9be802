# What the warehouse needs of an order: how much of what, and what it is worth in cents.
import json
from decimal import Decimal


def handle(data):
    order = json.loads(data["payload"])
    lines = order.get("lines", [])
    total = sum(Decimal(str(line["price"])) * line["quantity"] for line in lines)
    items = [{"sku": line["sku"].upper(), "quantity": line["quantity"]} for line in lines]
    return {
        "payload": json.dumps({"order": order["number"], "note": order.get("note"), "items": items, "cents": int(total * 100)}),
        "logs": ["order %s: %d items" % (order["number"], len(items))],
    }
