// Rooms on node's `ws`: /?room=NAME joins, and what a member says goes to the others. Usage: node rooms.js PORT
const { WebSocket, WebSocketServer } = require("ws");

const rooms = new Map();
const server = new WebSocketServer({ host: "127.0.0.1", port: Number(process.argv[2] || 0), perMessageDeflate: false, backlog: 4096 });

server.on("connection", (socket, request) => {
  const name = new URL(request.url, "http://localhost").searchParams.get("room");
  let members = rooms.get(name);
  if (!members) rooms.set(name, (members = new Set()));
  members.add(socket);
  socket.on("message", (data, isBinary) => {
    for (const member of members) {
      if (member !== socket && member.readyState === WebSocket.OPEN) member.send(data, { binary: isBinary });
    }
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    members.delete(socket);
    if (members.size === 0) rooms.delete(name);
  });
});

server.on("listening", () => console.log(`ws: listening on ${server.address().port}`));
