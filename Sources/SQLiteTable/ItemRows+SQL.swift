import ChatStore

extension ItemRows {
    static var getSQL: StaticString {
        """
        SELECT pk, sk, gsi1pk, gsi1sk, gsi2pk, gsi2sk, attributes FROM items
        WHERE pk = ?1 AND sk = ?2
        """
    }

    /// Of a key that is believed to be free: anything there is a constraint's failure.
    static var insertSQL: StaticString {
        """
        INSERT INTO items (pk, sk, gsi1pk, gsi1sk, gsi2pk, gsi2sk, expires_at, attributes)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        """
    }

    /// Of a row whose other columns stay: no index is written.
    static var attributesSQL: StaticString {
        "UPDATE items SET attributes = ?3 WHERE pk = ?1 AND sk = ?2"
    }

    static var deleteSQL: StaticString {
        "DELETE FROM items WHERE pk = ?1 AND sk = ?2"
    }

    /// An upsert and not a replace: columns that stay the same cost no index write.
    static var putSQL: StaticString {
        """
        INSERT INTO items (pk, sk, gsi1pk, gsi1sk, gsi2pk, gsi2sk, expires_at, attributes)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        ON CONFLICT (pk, sk) DO UPDATE SET
            gsi1pk = excluded.gsi1pk, gsi1sk = excluded.gsi1sk,
            gsi2pk = excluded.gsi2pk, gsi2sk = excluded.gsi2sk,
            expires_at = excluded.expires_at, attributes = excluded.attributes
        """
    }

    static var keysSQL: StaticString {
        """
        SELECT pk, sk FROM items
        WHERE pk >= ?1 AND pk < ?2 AND (pk, sk) > (?3, ?4)
        ORDER BY pk, sk LIMIT ?5
        """
    }

    static var expiredSQL: StaticString {
        "SELECT pk, sk FROM items WHERE expires_at < ?1 ORDER BY expires_at LIMIT ?2"
    }

    /// One text for each index and direction; every range is one half-open range of bytes.
    static func sql(_ query: Query) -> StaticString {
        switch (query.index, query.ascending) {
        case (.table, true):
            """
            SELECT pk, sk, gsi1pk, gsi1sk, gsi2pk, gsi2sk, attributes FROM items
            WHERE pk = ?1 AND sk >= ?2 AND sk < ?3
            ORDER BY sk LIMIT ?4
            """
        case (.table, false):
            """
            SELECT pk, sk, gsi1pk, gsi1sk, gsi2pk, gsi2sk, attributes FROM items
            WHERE pk = ?1 AND sk >= ?2 AND sk < ?3
            ORDER BY sk DESC LIMIT ?4
            """
        case (.gsi1, true):
            """
            SELECT pk, sk, gsi1pk, gsi1sk, gsi2pk, gsi2sk, attributes FROM items
            WHERE gsi1pk = ?1 AND gsi1sk >= ?2 AND gsi1sk < ?3 AND (gsi1sk, pk, sk) > (?5, ?6, ?7)
            ORDER BY gsi1sk, pk, sk LIMIT ?4
            """
        case (.gsi1, false):
            """
            SELECT pk, sk, gsi1pk, gsi1sk, gsi2pk, gsi2sk, attributes FROM items
            WHERE gsi1pk = ?1 AND gsi1sk >= ?2 AND gsi1sk < ?3 AND (gsi1sk, pk, sk) < (?5, ?6, ?7)
            ORDER BY gsi1sk DESC, pk DESC, sk DESC LIMIT ?4
            """
        case (.gsi2, true):
            """
            SELECT pk, sk, gsi1pk, gsi1sk, gsi2pk, gsi2sk, attributes FROM items
            WHERE gsi2pk = ?1 AND gsi2sk >= ?2 AND gsi2sk < ?3 AND (gsi2sk, pk, sk) > (?5, ?6, ?7)
            ORDER BY gsi2sk, pk, sk LIMIT ?4
            """
        case (.gsi2, false):
            """
            SELECT pk, sk, gsi1pk, gsi1sk, gsi2pk, gsi2sk, attributes FROM items
            WHERE gsi2pk = ?1 AND gsi2sk >= ?2 AND gsi2sk < ?3 AND (gsi2sk, pk, sk) < (?5, ?6, ?7)
            ORDER BY gsi2sk DESC, pk DESC, sk DESC LIMIT ?4
            """
        }
    }
}
