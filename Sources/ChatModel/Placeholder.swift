// ChatModel
