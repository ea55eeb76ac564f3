// Package presence keeps in Redis who is where.
package presence
