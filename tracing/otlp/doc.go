// Package otlp brings spans to a collector: by OTLP over HTTP, with protobuf and the words of OpenTelemetry's semantic conventions.
//
// It is made of OpenTelemetry's messages and our client of other people's servers. OpenTelemetry's own exporter has to be linked with all of gRPC, even for HTTP,
// which makes a program a third larger that does not trace.
package otlp
