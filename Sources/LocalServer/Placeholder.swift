// LocalServer
