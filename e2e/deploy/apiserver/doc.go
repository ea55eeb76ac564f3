// Package apiserver runs a real API server of Kubernetes with etcd behind it, and has it take what k8s/ makes. There
// are no nodes: nothing runs in a pod. Its callers are called in the module's folder.
package apiserver
