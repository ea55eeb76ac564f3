// Package childtest is what tests need to start real servers: ports, what they print, and that
// they end with the test.
package childtest
