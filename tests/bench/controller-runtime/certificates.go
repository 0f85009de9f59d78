package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"
)

const (
	leafLife = 90 * 24 * time.Hour
	backdate = 5 * time.Minute
)

// authority signs the gateways' certificates.
type authority struct {
	pem         []byte
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func serialNumber() *big.Int {
	number, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 126))
	if err != nil {
		panic(err)
	}
	return number.SetBit(number, 126, 1)
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func newAuthority() (certificate, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	now := time.Now()
	template := &x509.Certificate{SerialNumber: serialNumber(), Subject: pkix.Name{CommonName: "Alphorn tenants"},
		NotBefore: now.Add(-backdate), NotAfter: now.Add(3650 * 24 * time.Hour), IsCA: true,
		BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		return nil, nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	return encode("CERTIFICATE", der), encode("PRIVATE KEY", keyDER), err
}

func openAuthority(certificatePEM, keyPEM []byte) (*authority, error) {
	certificate := parseCertificate(certificatePEM)
	block, _ := pem.Decode(keyPEM)
	if certificate == nil || block == nil {
		return nil, fmt.Errorf("the authority's Secret holds no certificate authority")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	return &authority{pem: certificatePEM, certificate: certificate, key: key.(*ecdsa.PrivateKey)}, nil
}

func (a *authority) issue(hosts []string) (certificate, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	now := time.Now()
	template := &x509.Certificate{SerialNumber: serialNumber(), Subject: pkix.Name{CommonName: hosts[0]},
		NotBefore: now.Add(-backdate), NotAfter: now.Add(leafLife), BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: hosts}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &private.PublicKey, a.key)
	if err != nil {
		return nil, nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	return encode("CERTIFICATE", der), encode("PRIVATE KEY", keyDER), err
}

// seal makes what is written beside a certificate: its facts, and a digest of all that belongs together.
func (a *authority) seal(certificate, key []byte) (facts, seal string) {
	leaf := parseCertificate(certificate)
	hosts := slices.Clone(leaf.DNSNames)
	slices.Sort(hosts)
	text, _ := json.Marshal(map[string]any{"hosts": hosts, "serial": strings.ToUpper(leaf.SerialNumber.Text(16)),
		"notBefore": leaf.NotBefore.UTC().Format(time.RFC3339), "notAfter": leaf.NotAfter.UTC().Format(time.RFC3339)})
	sealed, _ := json.Marshal([]string{string(certificate), string(key), string(text), string(a.pem)})
	sum := sha256.Sum256(sealed)
	return string(text), hex.EncodeToString(sum[:])
}

func parseCertificate(text []byte) *x509.Certificate {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil
	}
	return certificate
}

// isDue tells whether a new certificate is to be issued.
func (a *authority) isDue(leaf *x509.Certificate, hosts []string, now time.Time) bool {
	if leaf == nil || leaf.CheckSignatureFrom(a.certificate) != nil {
		return true
	}
	have, want := slices.Clone(leaf.DNSNames), slices.Clone(hosts)
	slices.Sort(have)
	slices.Sort(want)
	renewal := leaf.NotBefore.Add(leaf.NotAfter.Sub(leaf.NotBefore) / 3 * 2)
	return !slices.Equal(have, want) || now.After(renewal)
}
