// SPDX-License-Identifier: GPL-3.0-or-later

package activity

// nth returns what would be at index n if values were in ascending order, and puts them
// into an order in which no greater one is before it and no lesser one behind it: Hoare's
// selection, which takes half of the time of sorting the minutes of two hours. There
// must be such an index.
func nth(values []int64, n int) int64 {
	for low, high := 0, len(values)-1; low < high; {
		pivot := values[low+(high-low)/2]
		i, j := low, high
		for i <= j {
			for values[i] < pivot {
				i++
			}
			for values[j] > pivot {
				j--
			}
			if i <= j {
				values[i], values[j] = values[j], values[i]
				i, j = i+1, j-1
			}
		}
		switch {
		case n <= j:
			high = j
		case n >= i:
			low = i
		default:
			return values[n]
		}
	}
	return values[n]
}
