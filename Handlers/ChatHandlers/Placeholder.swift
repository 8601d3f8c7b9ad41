// ChatHandlers
