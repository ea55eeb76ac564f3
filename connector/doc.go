// Package connector keeps what a cluster knows of its connectors of aioconnectors: by which token each is
// let in, who is kept out, and of whom nothing is taken.
//
//	connectors    org=2Eexample=2Eaio.kiosk7    {"id":"…","hash":"…","made":"…"}
//	connectors    lists                         {"white":{…},"black":{…},"ignored":{…}}
//
// A token is given to the first who asks for a name: its document is created, which one of those who ask at the
// same time does, wherever they are. Its hash alone is kept. Tokens are read when they are shown; the lists are followed, and are in
// the memory of every process that runs the registry.
package connector
