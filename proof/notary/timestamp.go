// SPDX-License-Identifier: GPL-3.0-or-later

package notary

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/digitorus/timestamp"
)

const (
	stampTimeout = 30 * time.Second
	// maxStampBytes is many times what a token with its certificates takes.
	maxStampBytes = 1 << 20
)

// requestTimeStamp asks an authority for a token about a text (RFC 3161 §3.4). An error names
// the host alone: the rest of the address may have a user, a password or a key.
func requestTimeStamp(ctx context.Context, address string, text []byte) (token []byte, err error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("the address of the authority is not valid")
	}
	if token, err = exchangeTimeStamp(ctx, address, text); err != nil {
		return nil, fmt.Errorf("%s: %w", u.Host, err)
	}
	return token, nil
}

func exchangeTimeStamp(ctx context.Context, address string, text []byte) (token []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, stampTimeout)
	defer cancel()
	query, err := timestamp.CreateRequest(bytes.NewReader(text), &timestamp.RequestOptions{Certificates: true})
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(query))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/timestamp-query")
	response, err := http.DefaultClient.Do(request)
	if whole := new(url.Error); errors.As(err, &whole) {
		err = whole.Err // without the address
	}
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answers %s", response.Status)
	}
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxStampBytes))
	if err != nil {
		return nil, err
	}
	stamp, err := timestamp.ParseResponse(answer)
	if err != nil {
		return nil, err
	}
	return stamp.RawToken, nil
}
