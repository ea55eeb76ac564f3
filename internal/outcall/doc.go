// Package outcall asks HTTP servers of others, which may be slow, away, or answer anything.
//
// A call has a time, an answer a length, and there are so many calls at once and no more.
// After some failures nobody is asked for a moment, so that who waits for an answer is told
// at once that there is none, and nothing piles up. What a failure is, the caller says: that
// somebody is refused should be none, otherwise some bad questions would close the door for
// everybody.
package outcall
