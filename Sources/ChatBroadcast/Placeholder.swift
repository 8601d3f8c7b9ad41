// ChatBroadcast
