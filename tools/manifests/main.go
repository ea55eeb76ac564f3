// Command manifests builds kustomizations as kubectl does, and checks what they make as an API server would: every field is one
// that its kind has, and has a value that the kind's own validation takes; and every pod is within the pod security standard
// "restricted". It prints the objects as JSON, a list for each folder:
//
//	manifests [-scaledobjects FILE] FOLDER...
//
// FILE is KEDA's definition of its ScaledObjects; without it a ScaledObject is refused. What is wrong it prints a line each, and
// ends with 1.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// getDefinition says how one comes by KEDA's definition.
const getDefinition = "KEDA's definition of ScaledObjects is wanted as -scaledobjects FILE: `make deps` downloads it," +
	" and `go -C tools/crds mod download -json` tells in which Dir: config/crd/bases/keda.sh_scaledobjects.yaml there"

func main() {
	file := flag.String("scaledobjects", "", "KEDA's definition of its ScaledObjects, a `file` of its module")
	flag.Parse()
	var known map[schema.GroupVersionKind]*definition
	if *file != "" {
		var err error
		if known, err = readDefinitions(*file); err != nil {
			fail("%s: %v", getDefinition, err)
		}
	}
	made := map[string][]json.RawMessage{}
	bad := false
	for _, folder := range flag.Args() {
		objects, err := build(folder)
		if err != nil {
			fail("%s: %v", folder, err)
		}
		made[folder] = objects
		for _, o := range objects {
			for _, wrong := range check(o, known) {
				bad = true
				fmt.Fprintf(os.Stderr, "%s: %v\n", folder, wrong)
			}
		}
	}
	if bad {
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(made); err != nil {
		fail("manifests: %v", err)
	}
}

// fail prints a line and ends with 1.
func fail(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(1)
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
