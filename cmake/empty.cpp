// Lets a folder of headers, or of BPF code, be a library.
