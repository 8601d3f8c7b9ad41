// MemoryTable
