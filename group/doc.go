// Package group keeps groups and their members, and says who may do what in them.
//
// A group is a document, and each of its members is another below the same key, so that
// five thousand may join at the same time. What must not come apart is in the group's
// own: its owners, of which there is always one, and its run, a text that is another for
// each group, even of the same name. A member's document names the run that it is of:
// what a deleted group has left behind counts for nothing in the next one.
//
//	groups       groups=2Eexample=2Eorg.ops.group                      what the group is
//	groups       groups=2Eexample=2Eorg.ops.member.example=2Eorg.rui   that Rui is in it
//	memberships  example=2Eorg.rui.groups=2Eexample=2Eorg.ops          where to look for Rui
//	temporary    groups=2Eexample=2Eorg.ops                            that the group ends with a session
//
// The memberships are a hint for who asks for somebody's groups. One is written before
// the member is, and removed after it unless it is younger than a minute: then it may be
// that of who has just come again. So whatever is left over is a hint that leads nowhere,
// and who finds one of more than a minute removes it.
//
// Who may do what is one table, in rights.go; the package holds nobody to it: that is for
// whoever knows who asks.
package group
