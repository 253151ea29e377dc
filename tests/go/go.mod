module subfloor.test/talk

go 1.19
