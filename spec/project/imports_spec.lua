-- What a script imports that the platform hasn't got, from its source.
local imports = require "patchworks.project.imports"

local function missing(language, source)
  local names = {}
  for i, each in ipairs(imports.missing(language, source)) do names[i] = each.line .. " " .. each.name end
  return names
end

describe("project.imports", function()
  it("finds Python's", function()
    assert.same({ "2 numpy", "3 pandas", "5 yaml" }, missing("python", [[
import json, os.path as p
import numpy as np, sys
from pandas.core import frame
from urllib.parse import urlencode; from . import x
    import yaml  # inside of a function
# import flask
"""
import django
"""
import requests
important = 1
]]))
  end)

  it("finds JavaScript's", function()
    assert.same({ "2 lodash/fp", "4 @aws-sdk/client-s3", "5 ./local", "6 axios", "7 moment" }, missing("javascript", [[
const fs = require('fs'), p = require("node:path"), s = require('fs/promises')
const _ = require('lodash/fp')
const j = require('jsrsasign'), x = require("xml-js")
const { S3 } = require('@aws-sdk/client-s3')
const l = require('./local')
import axios from 'axios'
const m = await import("moment")
// const e = require('express')
/* require('koa') */
const url = "https://example.com/require"
]]))
  end)

  it("finds Ruby's", function()
    assert.same({ "3 nokogiri", "8 ./mine" }, missing("ruby", [[
require 'json'
require "net/http"
require('nokogiri')
# require 'rails'
=begin
require 'sinatra'
=end
require './mine'
require 'rexml/document'
]]))
  end)

  it("finds PHP's packages, and leaves namespaces of one's own alone", function()
    assert.same({ "2 GuzzleHttp\\Client", "4 vendor/autoload.php" }, missing("php", [[
<?php
use GuzzleHttp\Client;
use phpseclib3\Crypt\RSA; use Acme\Thing;
require __DIR__ . '/vendor/autoload.php';
]]))
  end)

  it("says what the platform has, and nothing about a language that it can't read", function()
    assert.equal("line 1: the platform has no numpy: beside the language's own library it has requests 2.32.3",
      imports.missing("python", "import numpy")[1].sentence)
    assert.same({}, imports.missing("go", 'import "x"'))
  end)
end)
