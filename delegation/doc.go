// Package delegation keeps who may send envelopes in whose name, as documents in
// JetStream (package document).
//
// Each delegation is there twice, for the two questions that are asked:
//
//	by.<owner>.<target>[.<instance>]    what an owner has given, to be listed
//	to.<target>.<owner>[.<instance>]    what a target may, to be checked
//
// The second decides. It is written last and removed first, and a change removes it before
// it is written anew: when a process dies in between, something may be listed that is not
// in force, and never the other way round. Whoever then gives or takes the delegation once
// more mends it. Who takes it back removes what decides a second time, and who gives it looks
// at last whether it is still listed, so that this holds for both at once, too.
//
// Each change has a version, above that of the one before, by which whoever keeps
// delegations in memory tells what is newer. A version is a time in microseconds, so that one
// that is given after it was taken is newer, too, though nothing is left of the first.
package delegation
