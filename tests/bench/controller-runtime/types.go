package main

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// The part of the API that the operator reads and writes, as kubebuilder would generate it.

var groupVersion = schema.GroupVersion{Group: "alphorn.dev", Version: "v1alpha1"}

// CompanyHomeserver is one tenant.
type CompanyHomeserver struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              Spec   `json:"spec"`
	Status            Status `json:"status,omitzero"`
}

// Spec holds what manifests depend on; the schema fills in defaults.
type Spec struct {
	ServerName    string `json:"serverName"`
	Version       string `json:"version,omitempty"`
	Administrator struct {
		Localpart string `json:"localpart,omitempty"`
	} `json:"administrator"`
	Homeserver struct {
		MaxUploadSize string `json:"maxUploadSize,omitempty"`
	} `json:"homeserver"`
	Paused bool `json:"paused,omitempty"`
}

// Status is written once per pass, and only when it differs.
type Status struct {
	ObservedGeneration   int64              `json:"observedGeneration,omitempty"`
	Conditions           []metav1.Condition `json:"conditions,omitempty"`
	Hosts                []string           `json:"hosts,omitempty"`
	CertificateAuthority *AuthorityRef      `json:"certificateAuthority,omitempty"`
	Address              string             `json:"address,omitempty"`
	SigningKeyID         string             `json:"signingKeyId,omitempty"`
	Version              string             `json:"version,omitempty"`
	Certificate          *Certificate       `json:"certificate,omitempty"`
	Administrator        *Administrator     `json:"administrator,omitempty"`
}

// AuthorityRef names the ConfigMap with the authority's certificate.
type AuthorityRef struct {
	ConfigMapName string `json:"configMapName"`
}

// Certificate is the gateway's.
type Certificate struct {
	Serial   string `json:"serial"`
	NotAfter string `json:"notAfter"`
}

// Administrator is the first account.
type Administrator struct {
	UserID     string `json:"userId"`
	SecretName string `json:"secretName"`
	// Registration stands for what the account was made with.
	Registration string `json:"registration"`
}

// CompanyHomeserverList is a list of tenants.
type CompanyHomeserverList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []CompanyHomeserver `json:"items"`
}

func (in *Status) deepCopy() Status {
	out := *in
	out.Conditions = append([]metav1.Condition(nil), in.Conditions...)
	out.Hosts = append([]string(nil), in.Hosts...)
	if in.CertificateAuthority != nil {
		copied := *in.CertificateAuthority
		out.CertificateAuthority = &copied
	}
	if in.Certificate != nil {
		copied := *in.Certificate
		out.Certificate = &copied
	}
	if in.Administrator != nil {
		copied := *in.Administrator
		out.Administrator = &copied
	}
	return out
}

// DeepCopyObject implements runtime.Object.
func (in *CompanyHomeserver) DeepCopyObject() runtime.Object {
	out := &CompanyHomeserver{TypeMeta: in.TypeMeta, Spec: in.Spec, Status: in.Status.deepCopy()}
	in.ObjectMeta.DeepCopyInto(&out.ObjectMeta)
	return out
}

// DeepCopyObject implements runtime.Object.
func (in *CompanyHomeserverList) DeepCopyObject() runtime.Object {
	out := &CompanyHomeserverList{TypeMeta: in.TypeMeta}
	in.ListMeta.DeepCopyInto(&out.ListMeta)
	for index := range in.Items {
		out.Items = append(out.Items, *in.Items[index].DeepCopyObject().(*CompanyHomeserver))
	}
	return out
}

func addToScheme(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(groupVersion, &CompanyHomeserver{}, &CompanyHomeserverList{})
	metav1.AddToGroupVersion(scheme, groupVersion)
	return nil
}
