// Package complaint logs troubles that come in crowds: in a storm of clients there are thousands of the
// same a second. One of each kind is logged now and then, with the number of the others since; what each
// costs is counted elsewhere.
//
// What is said once when something begins and once when it is over is not its matter: that is a state of
// whoever has it.
package complaint
