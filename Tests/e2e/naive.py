"""The design that tutorials publish, to be counted beside ours: a row per connection, an index by room that projects everything."""

from units import item_size

ROOM_INDEX = "room"


class NaiveChat:
    """Calls DynamoDB and posts as the published handlers do, and counts what that costs."""

    def __init__(self, dynamodb, table):
        self.dynamodb = dynamodb
        self.table = table
        self.read = 0.0
        self.write = 0.0
        self.posts = 0

    def create(self):
        self.dynamodb.create_table(
            TableName=self.table,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": "connectionId", "AttributeType": "S"},
                {"AttributeName": "roomId", "AttributeType": "S"},
            ],
            KeySchema=[{"AttributeName": "connectionId", "KeyType": "HASH"}],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": ROOM_INDEX,
                    "KeySchema": [
                        {"AttributeName": "roomId", "KeyType": "HASH"},
                        {"AttributeName": "connectionId", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
        )

    def connect(self, number, room):
        item = {
            "connectionId": {"S": f"connection{number:06}"},
            "roomId": {"S": room},
            "tenantId": {"S": "tenant000012"},
            "userId": {"S": f"user{number:012}"},
            "stage": {"S": "prod"},
            "status": {"S": "online"},
            "connectedAt": {"N": "1795268240123"},
            "lastSeen": {"N": "1795268240123"},
            "expiresAt": {"N": "1795268840"},
        }
        self.dynamodb.put_item(TableName=self.table, Item=item)
        return item["connectionId"]["S"]

    def send(self, connection):
        """`GetItem` the sender, `Query` the room, post to each of the others; nothing is stored."""
        answer = self.dynamodb.get_item(TableName=self.table, Key={"connectionId": {"S": connection}})
        self.read += read_units(item_size(answer["Item"]))
        pages = self.dynamodb.get_paginator("query").paginate(
            TableName=self.table,
            IndexName=ROOM_INDEX,
            KeyConditionExpression="roomId = :room",
            ExpressionAttributeValues={":room": answer["Item"]["roomId"]},
        )
        for page in pages:
            self.read += read_units(sum(item_size(item) for item in page["Items"]))
            self.posts += sum(item["connectionId"]["S"] != connection for item in page["Items"])

    def heartbeat(self, connection):
        answer = self.dynamodb.update_item(
            TableName=self.table,
            Key={"connectionId": {"S": connection}},
            UpdateExpression="SET lastSeen = :now, expiresAt = :end",
            ExpressionAttributeValues={":now": {"N": "1795268540123"}, ":end": {"N": "1795269140"}},
            ReturnConsumedCapacity="TOTAL",
        )
        self.write += answer["ConsumedCapacity"]["CapacityUnits"]

    def take(self):
        """What was used since the last time, as a cell of `schema/cost.md`."""
        cell = f"{self.read:g} / {self.write:g} / {self.posts}"
        self.read, self.write, self.posts = 0.0, 0.0, 0
        return cell


def read_units(size):
    """Of one eventually consistent read. The emulator answers half a unit whatever was read, so sizes are counted here."""
    return max(1, -(-size // 4096)) / 2
