// Package programs is what those that run a whole cluster as processes of this machine
// have in common: where the programs are, that they end with whoever has started them,
// and how they show that they can work. How long a process lives, and what is done to it
// or measured, is for each to say.
package programs
