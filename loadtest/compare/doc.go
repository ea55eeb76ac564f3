// Command compare puts the same loads on servers of different kinds, in turns and on the same
// machine, and says what each has taken as a ratio of the others: a Limegrove cluster beside
// the least that a server could be (package floor) and beside what one could use instead.
//
// A trial is one load, but for the scan of headers, which is held against other passes over the
// same bytes. In each round each kind of server is started anew and given the trial, and
// who begins changes; medians of the rounds are what counts. Results are written to a folder, a
// file for each trial, and from all files there the tables of README.md are made.
//
// Its status is 0 when everything was measured, 1 when something could not be, and 2 for a bad
// command line. That a server has lost messages is no failure here: the table says so. Run it
// somewhere in the module.
package main
