// Command swarm puts a load of very many clients on messaging servers and says what it cost: a
// Limegrove cluster that it starts itself, or any servers that it has an adapter for. Run it
// somewhere in the module.
//
// Its parts are packages beside it: protocol is what it needs to know of a server, client the loop
// that holds the sockets, scenario what the clients do, tally what is counted, fleet the worker
// processes, cluster the servers, usage what processes cost, and measure a whole run.
//
// Its status is 0 when all messages came as they should, at whatever speed, 1 when some did not or
// the run failed, and 2 for a bad command line. The folder with the stores and the logs of a
// cluster's processes is kept when the run failed, or with -keep. A signal ends the run, and all
// that it has started.
package main
