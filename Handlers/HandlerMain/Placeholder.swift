// HandlerMain
