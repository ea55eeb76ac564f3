// Command manifests builds kustomizations as kubectl does, and checks what they make as an API server would: every field is one
// that its kind has, and has a value that the kind's own validation takes; and every pod is within the pod security standard
// "restricted". It prints the objects as JSON, a list for each folder:
//
//	manifests FOLDER...
//
// What is wrong it prints a line each, and ends with 1.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

func main() {
	made := map[string][]json.RawMessage{}
	bad := false
	for _, folder := range os.Args[1:] {
		objects, err := build(folder)
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", folder, err)
			os.Exit(1)
		}
		made[folder] = objects
		for _, o := range objects {
			for _, wrong := range check(o) {
				bad = true
				fmt.Fprintf(os.Stderr, "%s: %v\n", folder, wrong)
			}
		}
	}
	if bad {
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(made); err != nil {
		fmt.Fprintln(os.Stderr, "manifests:", err)
		os.Exit(1)
	}
}

// build returns the objects that the kustomization in a folder makes.
func build(folder string) (objects []json.RawMessage, err error) {
	made, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), folder)
	if err != nil {
		return nil, err
	}
	for _, r := range made.Resources() {
		text, err := r.MarshalJSON()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.CurId(), err)
		}
		objects = append(objects, text)
	}
	return objects, nil
}
