// Package store keeps in JetStream what the HTTP API needs to last and to be the same for all routers:
// the API's keys, in the bucket "apikeys", and the answers to requests that may be made again, in the
// bucket "idempotency", for a day.
package store
