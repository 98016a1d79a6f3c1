// One account of Azure's AI services: Speech, Translator or OpenAI. It is used by key, which lies in the vault,
// or by identity, and then has no key at all.

@description('Also the name under which it is reached.')
param name string
param location string
param tags object

@allowed(['SpeechServices', 'TextTranslation', 'OpenAI'])
param kind string

@allowed(['key', 'identity'])
param access string

@description('Ids of the roles that the identity gets.')
param roles string[]
param principalId string

@description('Name of the vault that gets the key, and of the secret there.')
param vaultName string
param secretName string

@description('A model to deploy, under its own name. Empty: none.')
param model string = ''
param modelVersion string = ''
param modelSku string = 'GlobalStandard'

@description('In thousands of tokens per minute.')
param modelCapacity int = 10

resource account 'Microsoft.CognitiveServices/accounts@2024-10-01' = {
  name: name
  location: location
  tags: tags
  kind: kind
  sku: {
    name: kind == 'TextTranslation' ? 'S1' : 'S0'
  }
  properties: {
    customSubDomainName: name
    disableLocalAuth: access == 'identity'
    publicNetworkAccess: 'Enabled'
  }
}

resource deployment 'Microsoft.CognitiveServices/accounts/deployments@2024-10-01' = if (!empty(model)) {
  parent: account
  name: empty(model) ? 'none' : model
  sku: {
    name: modelSku
    capacity: modelCapacity
  }
  properties: {
    model: {
      format: 'OpenAI'
      name: model
      version: modelVersion
    }
    versionUpgradeOption: 'OnceCurrentVersionExpired'
  }
}

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' existing = {
  name: vaultName
}

resource key 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = if (access == 'key') {
  parent: vault
  name: secretName
  properties: {
    value: account.listKeys().key1
  }
}

resource assignments 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in roles: {
    scope: account
    name: guid(account.id, principalId, role)
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
      principalId: principalId
      principalType: 'ServicePrincipal'
    }
  }
]

output endpoint string = account.properties.endpoint
output id string = account.id
