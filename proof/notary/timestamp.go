// SPDX-License-Identifier: GPL-3.0-or-later

package notary

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/digitorus/timestamp"
)

const (
	stampTimeout = 30 * time.Second
	// maxStampBytes is many times what a token with its certificates takes.
	maxStampBytes = 1 << 20
)

// requestTimeStamp asks an authority for a token about a text (RFC 3161 §3.4).
func requestTimeStamp(ctx context.Context, url string, text []byte) (token []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, stampTimeout)
	defer cancel()
	query, err := timestamp.CreateRequest(bytes.NewReader(text), &timestamp.RequestOptions{Certificates: true})
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(query))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/timestamp-query")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", url, response.Status)
	}
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxStampBytes))
	if err != nil {
		return nil, err
	}
	stamp, err := timestamp.ParseResponse(answer)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", url, err)
	}
	return stamp.RawToken, nil
}
