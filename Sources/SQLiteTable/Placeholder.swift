// SQLiteTable
