set(deps sql)
