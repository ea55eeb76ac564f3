package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	metavalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"
)

// definition is what a CustomResourceDefinition says of one version of its kind.
type definition struct {
	namespaced bool
	structural *structuralschema.Structural
	values     validation.SchemaValidator
	rules      *cel.Validator // x-kubernetes-validations; nil when there are none
}

// readDefinitions reads the file of a CustomResourceDefinition, and returns it by its versions.
func readDefinitions(file string) (map[schema.GroupVersionKind]*definition, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var crd apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(text, &crd); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	all := map[schema.GroupVersionKind]*definition{}
	for _, v := range crd.Spec.Versions {
		if !v.Served {
			continue
		}
		d, err := newDefinition(v.Schema)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", file, v.Name, err)
		}
		d.namespaced = crd.Spec.Scope == apiextensionsv1.NamespaceScoped
		all[schema.GroupVersionKind{Group: crd.Spec.Group, Version: v.Name, Kind: crd.Spec.Names.Kind}] = d
	}
	return all, nil
}

func newDefinition(s *apiextensionsv1.CustomResourceValidation) (*definition, error) {
	if s == nil || s.OpenAPIV3Schema == nil {
		return nil, errors.New("it has no schema")
	}
	internal := &apiextensions.JSONSchemaProps{}
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(s.OpenAPIV3Schema, internal, nil); err != nil {
		return nil, err
	}
	structural, err := structuralschema.NewStructural(internal)
	if err != nil {
		return nil, err
	}
	if wrong := structuralschema.ValidateStructural(nil, structural); len(wrong) > 0 {
		return nil, wrong.ToAggregate()
	}
	values, _, err := validation.NewSchemaValidator(internal)
	if err != nil {
		return nil, err
	}
	return &definition{structural: structural, values: values, rules: cel.NewValidator(structural, true, celconfig.PerCallLimit)}, nil
}

// check tells what an API server would not take of an object, in the order in which it looks: defaults, unknown fields, which it
// refuses from clients that are strict, values, and rules.
func (d *definition) check(text []byte) (wrong []error) {
	o := map[string]any{}
	if err := json.Unmarshal(text, &o); err != nil { // with whole numbers as such
		return []error{err}
	}
	defaulting.PruneNonNullableNullsWithoutDefaults(o, d.structural)
	defaulting.Default(o, d.structural)
	broken, unknown := objectmeta.CoerceWithOptions(nil, o, d.structural, true, objectmeta.CoerceOptions{ReturnUnknownFieldPaths: true})
	if broken != nil {
		return []error{broken}
	}
	unknown = append(unknown, pruning.PruneWithOptions(o, d.structural, true, structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})...)
	for _, path := range unknown {
		wrong = append(wrong, fmt.Errorf("unknown field %q", path))
	}
	all := metavalidation.ValidateObjectMetaAccessor(&unstructured.Unstructured{Object: o}, d.namespaced, metavalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	all = append(all, validation.ValidateCustomResource(nil, o, d.values)...)
	all = append(all, objectmeta.Validate(nil, o, d.structural, false)...)
	all = append(all, listtype.ValidateListSetsAndMaps(nil, d.structural, o)...)
	if d.rules != nil && len(all) == 0 { // rules are for what is sound otherwise
		broken, _ := d.rules.Validate(context.Background(), nil, d.structural, o, nil, celconfig.RuntimeCELCostBudget)
		all = append(all, broken...)
	}
	for _, err := range all {
		wrong = append(wrong, err)
	}
	return wrong
}
