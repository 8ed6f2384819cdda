package reference

// Philox is Philox4x32-10 (docs/stream.md, section 2; Salmon, Moraes, Dror,
// Shaw 2011, section 3.3).
func Philox(counter [4]uint32, key [2]uint32) [4]uint32 {
	for range 10 {
		p := uint64(0xD2511F53) * uint64(counter[0])
		q := uint64(0xCD9E8D57) * uint64(counter[2])
		counter = [4]uint32{
			hi(q) ^ counter[1] ^ key[0],
			lo(q),
			hi(p) ^ counter[3] ^ key[1],
			lo(p),
		}
		key[0] += 0x9E3779B9
		key[1] += 0xBB67AE85
	}
	return counter
}

func lo(v uint64) uint32 { return uint32(v) }
func hi(v uint64) uint32 { return uint32(v >> 32) }

// PhiloxWords returns the words of as many blocks, whose counters follow each
// other as integers of 128 bits, the least significant word first.
func PhiloxWords(blocks int, counter [4]uint32, key [2]uint32) []uint32 {
	words := make([]uint32, 0, 4*blocks)
	for range blocks {
		block := Philox(counter, key)
		words = append(words, block[:]...)
		for i := range counter {
			counter[i]++
			if counter[i] != 0 {
				break // no carry
			}
		}
	}
	return words
}

// Key is the key of a layer at a step (docs/stream.md, section 3).
func Key(seed uint64, layer uint32, step uint64) [2]uint32 {
	w := Philox([4]uint32{layer, lo(step), hi(step), 0x44427631}, [2]uint32{lo(seed), hi(seed)})
	return [2]uint32{w[0], w[1]}
}
