package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
)

const (
	applyPatch = "application/apply-patch+yaml"
	mergePatch = "application/merge-patch+json"
	plainJSON  = "application/json"
)

// client speaks HTTP/1.1 with one kept connection per worker. Safe for concurrent use.
type client struct {
	server, token string
	http          *http.Client
}

func newClient(path string, workers int) (*client, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var config struct {
		Clusters []struct {
			Cluster struct {
				Server string `json:"server"`
				CA     []byte `json:"certificate-authority-data"`
			} `json:"cluster"`
		} `json:"clusters"`
		Users []struct {
			User struct {
				Token string `json:"token"`
			} `json:"user"`
		} `json:"users"`
	}
	if err := json.Unmarshal(text, &config); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(config.Clusters) != 1 || len(config.Users) != 1 {
		return nil, fmt.Errorf("%s: one cluster and one user are expected", path)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(config.Clusters[0].Cluster.CA)
	transport := &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: roots},
		MaxIdleConnsPerHost: workers + 8,
		// Not nil: no HTTP/2, whose one connection would queue the writes of all workers.
		TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{},
	}
	return &client{server: config.Clusters[0].Cluster.Server, token: config.Users[0].User.Token,
		http: &http.Client{Transport: transport}}, nil
}

func (c *client) open(method, path, contentType string, body []byte) (*http.Response, error) {
	request, err := http.NewRequest(method, c.server+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+c.token)
	request.Header.Set("Accept", plainJSON)
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	answer, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode >= 300 {
		problem, _ := io.ReadAll(io.LimitReader(answer.Body, 2000))
		answer.Body.Close()
		return nil, fmt.Errorf("%s %s: %d %s", method, path, answer.StatusCode, problem)
	}
	return answer, nil
}

// send waits for the whole answer; `into` may be nil.
func (c *client) send(method, path, contentType string, body []byte, into any) error {
	answer, err := c.open(method, path, contentType, body)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if into != nil {
		return json.NewDecoder(answer.Body).Decode(into)
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}

// inParallel calls work(0) .. work(count-1) with so many at once; returns the first failure.
func inParallel(count, workers int, work func(int) error) error {
	numbers := make(chan int)
	var group sync.WaitGroup
	var once sync.Once
	var failure error
	for range workers {
		group.Add(1)
		go func() {
			defer group.Done()
			for number := range numbers {
				if err := work(number); err != nil {
					once.Do(func() { failure = err })
				}
			}
		}()
	}
	for number := range count {
		numbers <- number
	}
	close(numbers)
	group.Wait()
	return failure
}
