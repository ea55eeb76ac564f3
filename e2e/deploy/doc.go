// Package deploy holds what operators deploy, the Dockerfile, compose.yaml and k8s/, against the programs: every flag, variable, port,
// path and metric that is named there is one of theirs, and every sum is right. Files are read by those who read them elsewhere: the
// parsers of a builder and of Compose, kustomize, the configuration of a nats-server; each is a tool of its own.
//
// There is no code to import here.
package deploy
