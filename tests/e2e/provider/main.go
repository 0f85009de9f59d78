// A real provider of OpenID Connect for the stories: the example server of a certified library, which
// keeps two people in memory, behind TLS and with one client.
//
// Usage: provider ADDRESS CERTIFICATE KEY ISSUER CLIENT REDIRECT <CLIENT-SECRET
package main

import (
	"io"
	"log"
	"log/slog"
	"net/http"
	"os"
	"strings"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
)

func main() {
	if len(os.Args) != 7 {
		log.Fatal("usage: provider ADDRESS CERTIFICATE KEY ISSUER CLIENT REDIRECT <CLIENT-SECRET")
	}
	address, certificate, key, issuer, client, redirect := os.Args[1], os.Args[2], os.Args[3], os.Args[4],
		os.Args[5], os.Args[6]
	secret, err := io.ReadAll(os.Stdin)
	if err != nil {
		log.Fatal(err)
	}
	storage.RegisterClients(storage.WebClient(client, strings.TrimSpace(string(secret)), redirect))
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	router := exampleop.SetupServer(issuer, storage.NewStorage(storage.NewUserStore(issuer)), logger, false)
	log.Fatal(http.ListenAndServeTLS(address, certificate, key, router))
}
