// Package limetest holds what LIME's clients are sent against what they can bear.
//
// It reads envelopes by the standard library alone, so that it shares no mistake with
// what it looks at, and knows the most delicate client of each kind: what one of them
// cannot bear is sent to none.
package limetest
